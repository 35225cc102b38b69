-- Stores a value of moderate size in any case, one of many that are stored together.
-- KEYS and ARGV: as of put.lua.
-- Returns 1.
return put(1, true)
