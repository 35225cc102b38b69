-- Runs the script that stands above, as one() with its own KEYS and ARGV, once for each of
-- many keys: a command for each would cost the server more than what it does. What can be
-- done for many at one time, together() does before, if there is one, and notes the answers.
-- KEYS: the first ones of all runs, then the second ones. ARGV: the arguments that all runs have in
-- common, once. Then those that each run has of its own, run by run. Then the layout, one text with
-- a letter for each argument of a run: c for common, o for own. Last, how many runs there are.
-- Returns what the runs return, and in place of one that failed its error behind the word RUN:
-- at the sight of some errors go-redis leaves the rest of an array unread, and takes it for the
-- answer to the next command. The error of a server that may not write is that of all, so that
-- go-redis leaves it.
local runs, layout = tonumber(table.remove(ARGV)), table.remove(ARGV)
local allKeys, allArgs = KEYS, ARGV

-- The a-th argument of the i-th run is ARGV[first[a] + step[a] * i]: of a common one the step is 0,
-- of an own one the number of those.
local first, step = {}, {}
local owns = select(2, string.gsub(layout, 'o', ''))
local common, own = 0, #layout - owns -- where the last one of each kind stands, of the first run
for a = 1, #layout do
  if string.sub(layout, a, a) == 'c' then
    common = common + 1
    first[a], step[a] = common, 0
  else
    own = own + 1
    first[a], step[a] = own - owns, owns
  end
end

local function run(i)
  KEYS, ARGV = {}, {}
  for k = i, #allKeys, runs do KEYS[#KEYS + 1] = allKeys[k] end
  for a = 1, #layout do ARGV[a] = allArgs[first[a] + step[a] * i] end
  return one()
end

local answers = {}
if together then together(runs, answers, first, step) end
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
