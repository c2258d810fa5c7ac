SELECT hcc, label, due, captured, open, recapture_rate, open_score_change
FROM recapture
WHERE model = 'cms-hcc-v28' AND due >= 20
ORDER BY recapture_rate, due DESC, hcc;
