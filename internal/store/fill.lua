-- Stores a loaded value of moderate size and ends the lease.
-- KEYS: value, control. ARGV: as of guard.lua, then as of put.lua.
-- Returns 1 when stored, 0 when not permitted.
if not permitted() then return 0 end
return put(6, ARGV[3] ~= '-2')
