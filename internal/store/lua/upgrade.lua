-- Follows guard.lua, in place of neighbours.lua, in a script that stores what was made of the value
-- of another version: that has to be there still, and stays.
-- KEYS: as in the script, with the key of that value in place of those of the neighbours.
local guarded = permitted
local function permitted()
  if redis.call('EXISTS', KEYS[3]) == 1 then return guarded() end
  if control(KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end -- the lease is of no use any more
  return false
end
local function removeNeighbours() return false end

