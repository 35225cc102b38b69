-- Runs the script that stands above, as one() with its own KEYS and ARGV, once for each of
-- many keys: a command for each would cost the server more than what it does.
-- KEYS: those of all runs. ARGV: how many arguments a run has, and how many keys; then the
-- arguments of all runs.
-- Returns what the runs return, an error in place of one that failed.
local allKeys, allArgs = KEYS, ARGV
local perRun, keysPerRun = tonumber(allArgs[1]), tonumber(allArgs[2])
local function run(keys, args)
  KEYS, ARGV = keys, args
  return one()
end

local answers = {}
for i = 1, #allKeys / keysPerRun do
  local keys, args = {}, {}
  for k = 1, keysPerRun do keys[k] = allKeys[(i - 1) * keysPerRun + k] end
  for a = 1, perRun do args[a] = allArgs[2 + (i - 1) * perRun + a] end
  local done, answer = pcall(run, keys, args)
  if not done and type(answer) ~= 'table' then answer = {err = 'ERR ' .. tostring(answer)} end
  answers[i] = answer
end
return answers
