import duckdb

with duckdb.connect("demo/results.duckdb", read_only=True) as con:
    print(con.sql("SELECT comment FROM duckdb_tables() WHERE table_name = 'member_hccs'").fetchall()[0][0])
    query = (
        "SELECT segment, members, mean_raw_score FROM segment_rollup WHERE program = 'MA' ORDER BY members DESC LIMIT 3"
    )
    for segment, members, mean in con.sql(query).fetchall():
        print(f"{segment}  {members:>5}  {mean}")
