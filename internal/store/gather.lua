-- Runs the script that stands above, as one(KEYS, ARGV), once for each of many keys: a
-- command of its own for each would cost the server more than what it does.
-- KEYS: those of all runs. ARGV: for each run how many keys and arguments it has, and these.
-- Returns what the runs return, an error in place of one that failed.
local answers, key, arg = {}, 1, 1
while arg <= #ARGV do
  local keys, args = {}, {}
  for i = 1, tonumber(ARGV[arg]) do
    keys[i] = KEYS[key]
    key = key + 1
  end
  local first, last = arg + 2, arg + 1 + tonumber(ARGV[arg + 1])
  for i = first, last do args[i - first + 1] = ARGV[i] end
  arg = last + 1
  local done, answer = pcall(one, keys, args)
  if not done and type(answer) ~= 'table' then answer = {err = 'ERR ' .. tostring(answer)} end
  answers[#answers + 1] = answer
end
return answers
