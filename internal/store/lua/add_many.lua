-- Stores loaded strings where there is nothing, as is the case with most of a batch: see
-- merge.lua.
local function together(runs, answers, first, step)
  if redis.call('EXISTS', unpack(KEYS, 1, runs)) > 0 then return end
  local held = redis.call('MGET', unpack(KEYS, runs + 1, 2 * runs))
  local ended = {}
  for i = 1, runs do
    if held[i] == 'L' .. ARGV[first[1] + step[1] * i] then -- what carries more is for add.lua
      answers[i] = setString(i, 2, first, step)
      if answers[i] == 1 then
        for k = runs + i, #KEYS, runs do ended[#ended + 1] = KEYS[k] end
      end
    end
  end
  if #ended > 0 then redis.call('UNLINK', unpack(ended)) end
end

