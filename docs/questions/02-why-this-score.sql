SELECT segment, variable, coefficient, label, codes, last_date, dropped_by_hcc
FROM explain_member('{member}')
WHERE model LIKE 'cms-hcc-%';
