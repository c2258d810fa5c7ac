SELECT contract_id, program, part, count(*) AS members, count(risk_score) AS scored,
  round(avg(risk_score), 3) AS mean_score, round(median(risk_score), 3) AS median_score
FROM current_scores
GROUP BY ALL ORDER BY part, members DESC, program, contract_id;
