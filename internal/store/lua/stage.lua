-- Begins to stage a value. One script, so that no key without a TTL is left behind.
-- KEYS: staged. ARGV: its TTL in ms, the command that adds to a value, and its
-- arguments.
redis.call(ARGV[2], KEYS[1], unpack(ARGV, 3))
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
