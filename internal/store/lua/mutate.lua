-- Changes the elements of a value, its TTL and what its control key says in one step.
-- KEYS: value, control, the values of the neighbouring versions; and a list of arguments, if
-- there are too many for one command.
-- ARGV: TTL in ms, or -1 for none; 1 to give it in any case and not only to a value that
-- is new; 1 to leave a key alone of which Redis knows no value; how many arguments are in
-- the list, which go behind those of the first command; the marker of an empty value; then
-- commands, each as its name,
-- how many arguments it has, how many of these go in front of each part, how many belong
-- together or 0 for a command that is not cut into parts, and the arguments.
-- Returns what the first command does: of parts that answer with numbers the sum, but
-- of pushes, which answer with the length, the last.
local ttl, renew, known, listed = tonumber(ARGV[1]), ARGV[2] == '1', ARGV[3] == '1', tonumber(ARGV[4])
local mine = ARGV[5]
local list = listed > 0 and KEYS[#KEYS]
if list and redis.pcall('LLEN', list) ~= listed then
  redis.call('UNLINK', list)
  return redis.error_reply('ERR the arguments did not arrive whole: one is there twice, or Redis ran out of memory')
end
local left = redis.call('PTTL', KEYS[1])
local there = left ~= -2
local leased, marker, ends
local empty = false -- the value is known to be
if not there then
  leased, marker, ends = control(KEYS[2])
  empty = isEmpty(marker, mine)
  if known and not empty then
    redis.call('DEL', KEYS[2])
    removeNeighbours(#KEYS) -- and the list
    return false
  end
end

local most = 2000 -- unpack has a limit

-- cut calls a command for parts of the arguments from one number to another, which get
-- puts into a table behind its first n.
local function cut(name, head, group, from, to, get)
  local part, answer = {}, false
  for i = 1, #head do part[i] = head[i] end
  local step = most - most % group
  for first = from, to, step do
    local n = get(part, #head, first, math.min(first + step - 1, to))
    local a = redis.pcall(name, KEYS[1], unpack(part, 1, n))
    if type(a) ~= 'number' then return a end
    if answer and name ~= 'rpush' and name ~= 'lpush' then a = a + answer end
    answer = a
  end
  return answer
end

local function fromArguments(part, n, first, last)
  for i = first, last do part[n + i - first + 1] = ARGV[i] end
  return n + last - first + 1
end

local function fromList(part, n, first, last)
  local args = redis.call('LRANGE', list, first, last)
  for i = 1, #args do part[n + i] = args[i] end
  return n + #args
end

-- run calls the command at ARGV[at], whose arguments end at last and go on in the list.
local function run(at, last, listed)
  local name, group, first = ARGV[at], tonumber(ARGV[at + 3]), at + 4
  if listed == 0 and (group == 0 or last - first < most) then
    return redis.pcall(name, KEYS[1], unpack(ARGV, first, last))
  end
  local head = { unpack(ARGV, first, first + tonumber(ARGV[at + 2]) - 1) }
  if listed == 0 then return cut(name, head, group, first + #head, last, fromArguments) end
  if name == 'rpush' and not there then -- the list is the value
    redis.call('RENAME', list, KEYS[1])
    redis.call('PERSIST', KEYS[1])
    return listed
  end
  local answer = cut(name, head, group, 0, listed - 1, fromList)
  redis.call('UNLINK', list)
  return answer
end

local at, answer, answered = 6, false, false
while at <= #ARGV do
  local last = at + 3 + tonumber(ARGV[at + 1])
  local a = run(at, last, answered and 0 or listed)
  if type(a) == 'table' and a.err then return a end -- of a first command: nothing has been done
  if not answered then answer, answered = a, true end
  at = last + 1
end

removeNeighbours(list and #KEYS - 1 or #KEYS)
if redis.call('EXISTS', KEYS[1]) == 1 then
  if empty and not renew then
    ttl = rest(KEYS[2], ends) -- an empty value goes on living as one that is not
  end
  redis.call('DEL', KEYS[2])
  if not there or renew then
    if ttl >= 0 then
      redis.call('PEXPIRE', KEYS[1], math.max(ttl, 1))
    elseif left >= 0 then
      redis.call('PERSIST', KEYS[1])
    end
  end
elseif there or (empty and renew) then -- the value is known to be empty
  if renew then left = ttl end
  if left < 0 then left = 315360000000 end -- a control key always has a TTL: ten years
  redis.call('SET', KEYS[2], mine, 'PX', math.max(left, 1))
elseif marker == 'N' or empty then
  -- What is being loaded may be older than this write, and so may the values of other versions.
  if empty then marker = mine end
  if leased or marker ~= redis.call('GET', KEYS[2]) then revoke(KEYS[2], marker, ends) end
elseif leased or marker then
  redis.call('DEL', KEYS[2])
end
return answer
