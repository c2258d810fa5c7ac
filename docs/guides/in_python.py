import hcc

run = hcc.score("demo/members.parquet", "demo/claims.parquet", enrollment="demo/enrollment.parquet", payment_year=2026)
gaps = hcc.find_gaps(run, history="demo/history.parquet", pharmacy="demo/pharmacy.parquet")
scores, factors, found = run.member_scores, run.factors, gaps.gaps  # polars frames, named like the tables
run.save("mine.duckdb")

one = hcc.score_one(["E11.22", "I50.9"], birth_date="1953-06-15", sex="F", payment_year=2026)
for variable, coefficient in one.models[0].factors.items():
    print(f"{variable:<18}{coefficient:>6}")
print(f"risk score        {one.risk_score:>6}")
