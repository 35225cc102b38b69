-- Stores strings, in place of whatever there is: see merge.lua.
local function together(runs, answers)
  local args, ended = #ARGV / runs, {}
  for i = 1, runs do
    local first = args * (i - 1) + 1
    if ARGV[first + 2] == 'set' then -- what another cache stores may be a list
      local set = redis.pcall('SET', KEYS[i], unpack(ARGV, first + 3, first + args - 1))
      answers[i] = set.ok and 1 or set
      if set.ok then -- control keys and neighbouring versions
        for k = runs + i, #KEYS, runs do ended[#ended + 1] = KEYS[k] end
      end
    end
  end
  if #ended > 0 then redis.call('UNLINK', unpack(ended)) end
end

