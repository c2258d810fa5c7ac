WITH named AS (
  SELECT model, member_id, coefficient * months AS score_months,
    CASE WHEN regexp_matches(variable::VARCHAR, '^(RX)?HCC[0-9]+$') THEN 'conditions'
      WHEN regexp_matches(variable::VARCHAR, '^D[0-9]+P?$') THEN 'number of conditions'
      WHEN regexp_matches(variable::VARCHAR, '_V[0-9]+$|HCC[0-9]+_|^g[A-Z]|^DIABETES') THEN 'interactions'
      ELSE 'age, sex, entitlement' END AS kind
  FROM factors
), member_months AS (
  SELECT model, sum(months) AS months
  FROM (SELECT DISTINCT model, member_id, segment, first_month, months FROM factors) GROUP BY ALL
)
SELECT n.model, n.kind, count(DISTINCT n.member_id) AS members,
  round(sum(n.score_months) / any_value(m.months), 4) AS of_the_mean_raw_score
FROM named n JOIN member_months m ON m.model = n.model
GROUP BY ALL ORDER BY n.model, of_the_mean_raw_score DESC;
