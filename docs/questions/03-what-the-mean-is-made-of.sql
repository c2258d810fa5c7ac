WITH named AS (
  SELECT concat_ws(':', model::VARCHAR, nullif(calibration::VARCHAR, '')) AS model, member_id,
    coefficient * months AS score_months,
    CASE WHEN regexp_matches(variable::VARCHAR, '^(RX)?HCC[0-9]+$') THEN 'conditions'
      WHEN regexp_matches(variable::VARCHAR, '^D[0-9]+P?$') THEN 'number of conditions'
      WHEN regexp_matches(variable::VARCHAR, 'HCC[0-9]|(^|_)g[A-Z]|_V[0-9]+$|'
        '^(ART|ASP|CANCER|CHF|CHR|COPD|DIABETES|DISABLED|HF|NONAGED|SCHIZOPHRENIA|SEPSIS)_') THEN 'interactions'
      WHEN regexp_matches(variable::VARCHAR, '(^|_)DUR[0-9]|(^|_)[LG][TE]65(_flag)?$|^TRANSPLANT_MONTH_|^ACTUARIAL_')
        THEN 'time since a transplant'
      WHEN regexp_matches(variable::VARCHAR, '(^|_|NE)[FM][0-9]+(_[0-9]+|_GT|OD)?$|'
        '^(LTI|(FB|PB)Dual|MCAID|Originally)|^(LTIMCAID|ORIGDIS|OD65)$') THEN 'age, sex, entitlement'
      ELSE 'other' END AS kind
  FROM factors
), member_months AS (
  SELECT model, sum(months) AS months
  FROM (
    SELECT DISTINCT concat_ws(':', model::VARCHAR, nullif(calibration::VARCHAR, '')) AS model, member_id, segment,
      first_month, months
    FROM factors
  ) GROUP BY ALL
)
SELECT n.model, n.kind, count(DISTINCT n.member_id) AS members,
  round(sum(n.score_months) / any_value(m.months), 4) AS of_the_mean_raw_score
FROM named n JOIN member_months m ON m.model = n.model
GROUP BY ALL ORDER BY n.model, of_the_mean_raw_score DESC, n.kind;
