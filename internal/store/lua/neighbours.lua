-- removeNeighbours removes the values of the neighbouring versions, whose keys stand from the
-- third on, up to the one with a number, and reports whether there are any.
local function removeNeighbours(last)
  if last > 2 then redis.call('UNLINK', unpack(KEYS, 3, last)) end
  return last > 2
end

