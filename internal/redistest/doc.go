// Package redistest runs tests against miniredis and against every real server
// that the machine has. It is for this module's own tests.
//
// A package that uses it says so once:
//
//	func TestMain(m *testing.M) { redistest.Main(m) }
//
// and states its behaviour once for all servers:
//
//	func TestSetThenGet(t *testing.T) {
//		redistest.Each(t, func(t *testing.T, env *redistest.Env) {
//			// env.Client, env.Advance(t, time.Minute), ...
//		})
//	}
//
// Tests of time run on Mini in a testing/synctest bubble. Tests of failure start
// servers of their own and harm them: Server.Start, Node.Kill, Node.Pause.
//
// The real servers are the programs named in ASIDE_SERVERS, comma separated,
// else redis-server and valkey-server on the PATH. Where there are none, and
// with -short, tests run on miniredis alone and log it. With CI set in the
// environment, Redis 7, Redis 8 and Valkey 8 must be there.
//
// Servers listen on loopback only, keep nothing on disk beyond the test, and on
// Linux die with the test process however it ends.
package redistest
