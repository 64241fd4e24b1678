-- Times are RFC 3339 in UTC. Texts are empty where there is nothing to say.
CREATE TABLE person (id TEXT PRIMARY KEY, name TEXT, role TEXT);
-- Degrees WGS84, metres.
CREATE TABLE zone (id TEXT PRIMARY KEY, name TEXT, lat REAL, lon REAL, radius REAL);
CREATE TABLE accessory (id TEXT PRIMARY KEY, name TEXT, kind TEXT, driver TEXT, address TEXT, room TEXT, person TEXT);
-- A value is a number, or else JSON.
CREATE TABLE reading (time TEXT, accessory TEXT, person TEXT, trait TEXT, value NUMERIC);
-- The readings of the trait "where", in columns: degrees WGS84, metres.
CREATE TABLE position (time TEXT, accessory TEXT, person TEXT, lat REAL, lon REAL, accuracy REAL, fixed INTEGER);
CREATE INDEX reading_of ON reading (trait, time);
CREATE INDEX position_of ON position (person, accessory, time);
