-- Runs the script that stands above, as one() with its own KEYS and ARGV, once for each of
-- many keys: a command for each would cost the server more than what it does.
-- KEYS: those of all runs. ARGV: for each run how many keys and arguments it has, and these.
-- Returns what the runs return, an error in place of one that failed.
local allKeys, allArgs = KEYS, ARGV
local function run(keys, args)
  KEYS, ARGV = keys, args
  return one()
end

local answers, key, arg = {}, 1, 1
while arg <= #allArgs do
  local keys, args = {}, {}
  for i = 1, tonumber(allArgs[arg]) do
    keys[i] = allKeys[key]
    key = key + 1
  end
  local first, last = arg + 2, arg + 1 + tonumber(allArgs[arg + 1])
  for i = first, last do args[i - first + 1] = allArgs[i] end
  arg = last + 1
  local done, answer = pcall(run, keys, args)
  if not done and type(answer) ~= 'table' then answer = {err = 'ERR ' .. tostring(answer)} end
  answers[#answers + 1] = answer
end
return answers
