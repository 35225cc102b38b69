-- Runs the script that stands above, as one() with its own KEYS and ARGV, once for each of
-- many keys: a command for each would cost the server more than what it does. What can be
-- done for many at one time, together() does before, if there is one, and notes the answers.
-- KEYS: the first ones of all runs, then the second ones. ARGV: the arguments of all runs, then
-- how many runs there are.
-- Returns what the runs return, and in place of one that failed its error behind the word RUN:
-- at the sight of some errors go-redis leaves the rest of an array unread, and takes it for the
-- answer to the next command. The error of a server that may not write is that of all, so that
-- go-redis leaves it.
local runs = tonumber(table.remove(ARGV))
local allKeys, allArgs = KEYS, ARGV
local args = #allArgs / runs

local function run(i)
  KEYS, ARGV = {}, {}
  for k = i, #allKeys, runs do KEYS[#KEYS + 1] = allKeys[k] end
  for a = 1, args do ARGV[a] = allArgs[args * (i - 1) + a] end
  return one()
end

local answers = {}
if together then together(runs, answers) end
for i = 1, runs do
  if not answers[i] then
    local done, answer = pcall(run, i)
    if not done and type(answer) ~= 'table' then answer = {err = tostring(answer)} end
    answers[i] = answer
  end
  local failed = type(answers[i]) == 'table' and answers[i].err
  if failed then
    if string.find(failed, '^READONLY') then return answers[i] end
    if not string.find(failed, '^%u+ ') then failed = 'ERR ' .. failed end -- of Lua itself
    answers[i] = {err = 'RUN ' .. failed}
  end
end
return answers
