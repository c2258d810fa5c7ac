SELECT direction, strength, rule_id, part, members_open, open AS open_gaps, open_score_change, open_dollar_change
FROM rule_rollup
WHERE open > 0
ORDER BY direction DESC, CASE strength WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END, abs(open_score_change) DESC, rule_id, part;
