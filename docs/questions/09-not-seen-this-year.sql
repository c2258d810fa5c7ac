SELECT g.member_id, any_value(m.contract_id) AS contract_id, count(DISTINCT g.hcc) AS hccs_open,
  max(g.last_evidence_date) AS last_coded, sum(g.score_change) AS score_change
FROM open_gaps g
JOIN members m USING (member_id)
ANTI JOIN diagnoses d ON d.member_id = g.member_id AND d.counted
WHERE g.rule_id = 'RECAPTURE' AND g.model LIKE 'cms-hcc-v%'
GROUP BY ALL ORDER BY score_change DESC, 1;
