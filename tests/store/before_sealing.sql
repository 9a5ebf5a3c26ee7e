-- A group as it lay in a file before people's words were sealed.
INSERT INTO groups (id, name, live, spec, next_meeting, version, derivation) VALUES ('lyon', 'Lyon', 1, '{}', 4, 1, '');
INSERT INTO members (group_id, id, position, name, language, zone, circle, joined_at)
  VALUES ('lyon', 'ana', 0, 'Ana', 'fr', 'Europe/Paris', 1, '2026-09-01T10:00:00Z');
INSERT INTO member_addresses VALUES ('lyon', 'ana', 0, 'ana@example.org', 'ana@example.org', 1);
INSERT INTO meetings (group_id, number, uid, slot, wall, format, sequence, time_sequence, created_at, changed_at, stage,
    requester, facilitator, digest_withdrawn)
  SELECT 'lyon', value, 'u' || value, '2026-12-08 18:00', '2026-12-08 18:00', '1h30', 0, 0, '2026-11-24T17:00:00Z',
    '2026-11-24T17:00:00Z', 'planned', 'ana', 'ana', 0 FROM json_each('[1, 2, 3]');
INSERT INTO subjects VALUES ('lyon', 1, 'all', '2026-11-24T17:00:00Z', 'Problème de sujet');
INSERT INTO actions VALUES ('lyon', 1, 1, 0, NULL, 1, NULL, 'Problème de plan');
INSERT INTO attendance VALUES ('lyon', 1, 'ana', 'yes', 0, '2026-11-24T17:00:00Z');
INSERT INTO attendance_comments VALUES ('lyon', 1, 'ana', 'Problème de bus');
INSERT INTO undos VALUES ('lyon', 0, 1, 'ana', 0, '2026-11-24T17:00:00Z', '{"inverse":"Problème"}');
