SELECT hcc, label, members, share_of_members, mean_coefficient,
  round(share_of_members * mean_coefficient, 4) AS adds_to_the_mean
FROM hcc_prevalence
WHERE model = 'cms-hcc-v28'
ORDER BY adds_to_the_mean DESC, hcc;
