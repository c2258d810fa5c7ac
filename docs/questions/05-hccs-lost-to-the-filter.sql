SELECT m.model, u.meaning, count(DISTINCT (u.member_id, m.hcc)) AS hccs_lost, count(DISTINCT u.member_id) AS members
FROM uncounted_diagnoses u
JOIN diagnosis_hccs m ON m.diagnosis_code = u.diagnosis_code
SEMI JOIN scores s ON s.member_id = u.member_id AND s.model = m.model AND s.raw_score IS NOT NULL
ANTI JOIN member_hccs h ON h.member_id = u.member_id AND h.model = m.model AND h.hcc = m.hcc
WHERE u.reason NOT IN ('SUPERSEDED', 'DELETED', 'OUT_OF_WINDOW')
GROUP BY ALL ORDER BY m.model, hccs_lost DESC, 2;
