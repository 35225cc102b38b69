-- Stores loaded strings where there is nothing, as is the case with most of a batch: see
-- merge.lua.
local function together(runs, answers)
  if redis.call('EXISTS', unpack(KEYS, 1, runs)) > 0 then return end
  local held = redis.call('MGET', unpack(KEYS, runs + 1, 2 * runs))
  local args, ended = #ARGV / runs, {}
  for i = 1, runs do
    local first = args * (i - 1) + 1
    if held[i] == 'L' .. ARGV[first] then -- what carries more is for add.lua
      local set = redis.pcall('SET', KEYS[i], unpack(ARGV, first + 1, first + args - 1))
      answers[i] = set.ok and 1 or set
      if set.ok then
        for k = runs + i, #KEYS, runs do ended[#ended + 1] = KEYS[k] end
      end
    end
  end
  if #ended > 0 then redis.call('UNLINK', unpack(ended)) end
end

