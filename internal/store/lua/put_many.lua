-- Stores strings, in place of whatever there is: see merge.lua.
local function together(runs, answers, first, step)
  if #first < 4 then return end -- markers have two arguments
  local ended = {}
  for i = 1, runs do
    if ARGV[first[3] + step[3] * i] == 'set' then -- what another cache stores may be a list
      answers[i] = setString(i, 4, first, step)
      if answers[i] == 1 then -- control keys and neighbouring versions
        for k = runs + i, #KEYS, runs do ended[#ended + 1] = KEYS[k] end
      end
    end
  end
  if #ended > 0 then redis.call('UNLINK', unpack(ended)) end
end

