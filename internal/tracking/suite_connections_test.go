package tracking

import (
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

// The listener connects as the client does: over TLS, with its password, and whatever its
// database is. Invalidations name no database: a write of the same key in another one is heard
// as well, which costs a read.
func TestListenerConnectsAsTheClient(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			const password = "of the server"
			secure, socket := freeAddr(t), filepath.Join(t.TempDir(), "redis.sock")
			authority := redistest.NewAuthority(t)
			_, port, _ := net.SplitHostPort(secure)
			i := server.Start(t, redistest.Standalone, append(authority.ServerArgs(t),
				"--tls-port", port, "--tls-auth-clients", "no", "--unixsocket", socket)...)
			plain := i.Client(t)
			if err := plain.ConfigSet(t.Context(), "requirepass", password).Err(); err != nil {
				t.Fatal(err)
			}
			for name, opt := range map[string]redis.Options{
				"password":    {Addr: i.Nodes()[0].Addr},
				"database":    {Addr: i.Nodes()[0].Addr, DB: 5},
				"TLS":         {Addr: secure, TLSConfig: &tls.Config{RootCAs: authority.Roots(t)}},
				"unix socket": {Network: "unix", Addr: socket},
			} {
				t.Run(name, func(t *testing.T) {
					opt.Password = password
					rdb := redis.NewClient(&opt)
					defer rdb.Close()
					s, r := listen(t, rdb, "user:")
					r.awaitConnected(t, true)
					wantProven(t, "its epoch", awaitEpoch(t, s, "user:1", nil), true)
					for db := range 2 { // the client's own, and another
						key := fmt.Sprint("user:", db)
						c := rdb.Conn()
						if db == 1 {
							c.Select(t.Context(), 7)
						}
						if err := c.Set(t.Context(), key, "v", 0).Err(); err != nil {
							t.Fatal(err)
						}
						r.awaitKey(t, key)
						c.Select(t.Context(), opt.DB)
						c.Close()
					}
				})
			}
		})
	}
}

// A server that has more to tell than it may keep for a connection closes it: the epoch ends,
// all is flushed, and the next connection begins another.
func TestListenerOverItsOutputLimit(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			i := server.Start(t, redistest.Standalone, "--client-output-buffer-limit", "normal 64kb 0 0")
			rdb := i.Client(t)
			s, r := listen(t, rdb, "user:")
			r.awaitConnected(t, true)
			e := awaitEpoch(t, s, "user:1", nil)
			writeMany := redis.NewScript(`for i = 1, 50000 do redis.call('SET', 'user:' .. i, 'v') end`)
			if err := writeMany.Run(t.Context(), rdb, nil).Err(); err != nil && err != redis.Nil {
				t.Fatal(err)
			}
			e2 := awaitEpoch(t, s, "user:1", e)
			wantProven(t, "the epoch of the connection that was closed", e, false)
			wantProven(t, "that of the next one", e2, true)
			rdb.Set(t.Context(), "user:1", "w", 0)
			r.awaitKey(t, "user:1")
		})
	}
}

// freeAddr returns a loopback address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
