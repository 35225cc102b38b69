-- Changes the elements of a value, its life and what is noted of it in one step.
-- KEYS: value, control. ARGV: life in ms, or -1 for none; 1 to give it in any case and
-- not only to a value that is new; 1 to leave a key alone of which Redis knows no value;
-- then commands, each as its name, how many arguments it has, how many of these go in
-- front of each part, how many belong together or 0 for a command that is not cut into
-- parts, and the arguments.
-- Returns what the first command does: of parts that answer with numbers the sum, but
-- of pushes, which answer with the length, the last.
local life, renew, known = tonumber(ARGV[1]), ARGV[2] == '1', ARGV[3] == '1'
local left = redis.call('PTTL', KEYS[1])
local there = left ~= -2
local noted = false
if not there then
  noted = redis.pcall('GET', KEYS[2]) -- a table if the key is of another type
  if known and noted ~= 'E' then
    if noted then redis.call('DEL', KEYS[2]) end
    return false
  end
end

-- run calls the command at ARGV[at], whose arguments end at last.
local function run(at, last)
  local name, head, group = ARGV[at], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local first = at + 4
  local most = 2000 -- unpack has a limit
  if group == 0 or last - first < most then
    return redis.pcall(name, KEYS[1], unpack(ARGV, first, last))
  end
  local part, answer = {}, false
  for i = 1, head do part[i] = ARGV[first + i - 1] end
  local step = most - most % group
  for from = first + head, last, step do
    local to = math.min(from + step - 1, last)
    for i = from, to do part[head + i - from + 1] = ARGV[i] end
    local a = redis.pcall(name, KEYS[1], unpack(part, 1, head + to - from + 1))
    if type(a) ~= 'number' then return a end
    if answer and name ~= 'rpush' and name ~= 'lpush' then a = a + answer end
    answer = a
  end
  return answer
end

local at, answer, answered = 4, false, false
while at <= #ARGV do
  local last = at + 3 + tonumber(ARGV[at + 1])
  local a = run(at, last)
  if type(a) == 'table' and a.err then return a end -- of a first command: nothing has been done
  if not answered then answer, answered = a, true end
  at = last + 1
end

if redis.call('EXISTS', KEYS[1]) == 1 then
  if not there and noted == 'E' and not renew then
    life = redis.call('PTTL', KEYS[2]) -- an empty value goes on living as one that is not
  end
  redis.call('DEL', KEYS[2])
  if not there or renew then
    if life >= 0 then
      redis.call('PEXPIRE', KEYS[1], math.max(life, 1))
    elseif left >= 0 then
      redis.call('PERSIST', KEYS[1])
    end
  end
elseif there or (noted == 'E' and renew) then -- the value is known to be empty
  if renew then left = life end
  if left < 0 then left = 315360000000 end -- a control key always has a TTL: ten years
  redis.call('SET', KEYS[2], 'E', 'PX', math.max(left, 1))
elseif type(noted) == 'string' and #noted == 17 and string.sub(noted, 1, 1) == 'L' then
  redis.call('DEL', KEYS[2]) -- what is being loaded may be older than this write
end
return answer
