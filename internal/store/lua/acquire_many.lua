-- Takes the leases of keys of which Redis knows nothing, as of most of a batch: see
-- merge.lua.
local function together(runs, answers)
  local args = #ARGV / runs
  if args > 6 then return end
  local none = redis.call('EXISTS', unpack(KEYS, 1, runs)) == 0
  for i = 1, runs do
    if none or redis.call('EXISTS', KEYS[i]) == 0 then
      local set = redis.pcall('SET', KEYS[runs + i], 'L' .. ARGV[args * i - 5], 'PX', ARGV[args * i - 4], 'NX')
      if set and set.ok then answers[i] = 1 end
    end
  end
end

