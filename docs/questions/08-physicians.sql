SELECT pcp_npi, members, mean_risk_score_c, share_without_hcc, open_unsupported, unsupported_score_change_c,
  open_missing, missing_score_change_c
FROM provider_rollup
ORDER BY open_unsupported + open_missing DESC, pcp_npi;
