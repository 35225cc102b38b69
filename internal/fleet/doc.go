// Package fleet records what many processes see of one cache, and checks it
// against what is promised. It holds tests alone.
//
// The test program starts itself again, several times over, as the workers of a
// fleet. Each has a cache of its own on the same Redis, and callers that read and
// write a few hot keys, one by one and several in one call, in any order; where the
// values are lists, their elements too. The source behind the caches is a register for
// each key, held by the parent process: it counts the versions of its key. So an answer
// tells which write it comes from, and whether a newer one had returned when the
// question was asked.
//
// Every call, load and fault is noted with its begin and its end on the one clock
// that all processes share, one of many keys as one of each of them. Afterwards two
// questions are put to that history: did anybody see a version that was over (G2), and
// was anything loaded twice at one time without a reason (G1). Caches that are known to
// be wrong go through the same, and have to be found guilty.
//
// A run takes seconds. To let it go on for an hour:
//
//	go test ./internal/fleet -run TestFleet -fleet.for 1h -timeout 0
//
// TestFleetOfAFailover does the same while masters of a cluster, or of Sentinels, are replaced and
// slots move. Of the loss of a master the checks excuse what the law excuses: reads that miss
// nothing but writes which its replica did not have. What it had is known from a probe that writes
// to the master, and waits for the replica, all the time. A master that Sentinels replace while it
// lives, or that was frozen meanwhile, answers on until they make a replica of it: that long are
// its writes lost, and its reads of before.
//
// TestRedisIsEmptied has workers of its own, which only read, and counts their loads. So has
// TestNearCachesOfAFleet, which measures for how long they are answered by what was overwritten.
//
// Workers are stopped, killed and timed by means of Linux; elsewhere there is only
// the test of the checks.
package fleet
