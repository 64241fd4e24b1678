-- Times are RFC 3339 in UTC. Texts are empty where there is nothing to say.
CREATE TABLE person (id TEXT PRIMARY KEY, name TEXT, role TEXT);
-- Degrees WGS84, metres.
CREATE TABLE zone (id TEXT PRIMARY KEY, name TEXT, lat REAL, lon REAL, radius REAL);
CREATE TABLE accessory (id TEXT PRIMARY KEY, name TEXT, kind TEXT, driver TEXT, address TEXT, room TEXT, person TEXT);
-- A value is a number, or else JSON.
CREATE TABLE reading (time TEXT, accessory TEXT, person TEXT, trait TEXT, value NUMERIC);
CREATE INDEX reading_of ON reading (trait, time);
-- Who was in which zone when this was written.
CREATE TABLE presence (person TEXT, zone TEXT, since TEXT);
-- The readings of the trait "where", in columns: degrees WGS84, metres.
CREATE VIEW position AS SELECT time, accessory, person,
  json_extract(value, '$.lat') AS lat, json_extract(value, '$.lon') AS lon,
  json_extract(value, '$.accuracy') AS accuracy, json_extract(value, '$.fixed') AS fixed
  FROM reading WHERE trait='where' AND json_valid(value);
