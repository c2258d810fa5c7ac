WITH summed AS (
  SELECT member_id, model, calibration, segment, first_month, sum(coefficient) AS total FROM factors GROUP BY ALL
)
SELECT s.model, s.calibration, count(*) AS scores_checked, count(*) FILTER (WHERE f.member_id IS NULL) AS wrong
FROM (SELECT DISTINCT member_id, model, calibration, segment, raw_score FROM scores WHERE raw_score IS NOT NULL) s
LEFT JOIN summed f ON f.member_id = s.member_id AND f.model = s.model AND f.calibration = s.calibration
  AND f.segment = s.segment AND f.total = s.raw_score
GROUP BY ALL ORDER BY s.model, s.calibration;
