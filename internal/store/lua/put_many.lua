-- Stores strings, in place of whatever there is: see gather.lua.
local function together(runs, answers)
  if ARGV[3] ~= 'set' then return end
  local args, ended = #ARGV / runs, {}
  for i = 1, runs do
    local set = redis.pcall('SET', KEYS[i], unpack(ARGV, args * (i - 1) + 4, args * i))
    answers[i] = set.ok and 1 or set
    if set.ok then -- control keys and neighbouring versions
      for k = runs + i, #KEYS, runs do ended[#ended + 1] = KEYS[k] end
    end
  end
  if #ended > 0 then redis.call('UNLINK', unpack(ended)) end
end

