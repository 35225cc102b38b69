-- Takes the leases of keys of which Redis knows nothing, as of most of a batch: see
-- gather.lua.
local function together(runs, answers)
  local args = #ARGV / runs
  if args > 5 or redis.call('EXISTS', unpack(KEYS, 1, runs)) > 0 then return end
  for i = 1, runs do
    local set = redis.pcall('SET', KEYS[runs + i], 'L' .. ARGV[args * i - 4], 'PX', ARGV[args * i - 3], 'NX')
    if set and set.ok then answers[i] = 1 end
  end
end

