-- Takes the leases of keys of which Redis knows nothing, as of most of a batch: see
-- merge.lua.
local function together(runs, answers, first, step)
  if #first > 6 then return end
  local none = redis.call('EXISTS', unpack(KEYS, 1, runs)) == 0
  for i = 1, runs do
    if none or redis.call('EXISTS', KEYS[i]) == 0 then
      local token, ttl = ARGV[first[1] + step[1] * i], ARGV[first[2] + step[2] * i]
      local set = redis.pcall('SET', KEYS[runs + i], 'L' .. token, 'PX', ttl, 'NX')
      if set and set.ok then answers[i] = 1 end
    end
  end
end

