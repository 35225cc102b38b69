package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/hashmap"
)

// errNotStored says that Redis was asked to keep a value, and has none.
var errNotStored = errors.New("it does not keep what is stored in it")

// usable tries everything that the story asks of a Redis, and returns the first
// error.
func usable(ctx context.Context, opt *redis.Options) error {
	once := *opt
	once.MaxRetries, once.DialerRetries = -1, 1 // the first error is the one to tell
	once.DialTimeout, once.ReadTimeout = 5*time.Second, 5*time.Second
	rdb := redis.NewClient(&once)
	defer rdb.Close()
	if err := rdb.Ping(ctx).Err(); err != nil && !redis.HasErrorPrefix(err, "NOPERM") {
		return err
	}
	mapping, err := hashmap.Of[User]()
	if err != nil {
		return err
	}
	users, err := cache.New(rdb, cache.Config[int64, User]{
		Name: fmt.Sprintf("quickstart-%d:check", os.Getpid()), Codec: mapping, TTL: time.Minute,
		OnRedisError: cache.Fail, RedisTimeout: 10 * time.Second,
	})
	if err != nil {
		return err
	}
	defer users.Close()
	return tryAll(ctx, rdb, users)
}

func tryAll(ctx context.Context, rdb *redis.Client, users *cache.Cache[int64, User]) error {
	load := func(context.Context, int64) (User, error) { return User{Name: "User 1"}, nil }
	if err := users.Set(ctx, 1, User{Name: "User 1"}); err != nil {
		return err
	}
	if err := rdb.HGetAll(ctx, users.RedisKey(1)).Err(); err != nil {
		return err
	}
	if err := users.Delete(ctx, 1); err != nil {
		return err
	}
	if _, err := users.GetOrSet(ctx, 1, load); err != nil {
		return err
	}
	if users.Stats().Unleased > 0 { // it works, but not as the story has it
		return users.Check(ctx)
	}
	if _, ok, err := users.Get(ctx, 1); err != nil || !ok {
		return cmp.Or(err, errNotStored)
	}
	if err := users.SetAbsent(ctx, 1); err != nil {
		return err
	}
	const keys = 20 // a node of a cluster has some of them, and says of others where they are
	for id := range int64(keys) {
		if _, _, err := users.Get(ctx, id); err != nil {
			return err
		}
	}
	return users.Delete(ctx, 1)
}

// explain says in a sentence what is wrong with a Redis. opt is nil if its URL could
// not be read; the sentence never quotes that, as it may have a password in it.
func explain(opt *redis.Options, err error) string {
	var badURL *url.Error
	if errors.As(err, &badURL) {
		err = badURL.Err
	}
	if opt == nil {
		return fmt.Sprintf("it is no URL of a Redis (%v); one is redis://user:password@host:6379/0, rediss:// with TLS, or unix:///path", err)
	}
	if said := refusal(err.Error()); said != "" {
		return fmt.Sprintf("the Redis at %s %s", opt.Addr, said)
	}
	var host *net.DNSError
	var timeout net.Error
	var noTLS tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &host):
		return fmt.Sprintf("the name %s leads to no address", host.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nobody listens at %s, the connection was refused", opt.Addr)
	case errors.As(err, &noTLS):
		return fmt.Sprintf("what listens at %s speaks no TLS: try redis:// in place of rediss://", opt.Addr)
	case errors.As(err, &certificate):
		return fmt.Sprintf("the certificate of %s is not trusted: %v", opt.Addr, certificate.Err)
	case errors.As(err, &timeout) && timeout.Timeout() && opt.TLSConfig != nil: // Redis waits for more of what it takes for a command
		return fmt.Sprintf("%s does not answer, or speaks no TLS: then try redis:// in place of rediss://", opt.Addr)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("%s does not answer", opt.Addr)
	case errors.Is(err, errNotStored):
		return fmt.Sprintf("the Redis at %s takes values and has none when it is asked", opt.Addr)
	case !isRedis(err):
		return fmt.Sprintf("what listens at %s does not speak as a Redis does (%v)", opt.Addr, err)
	}
	return fmt.Sprintf("the Redis at %s says: %v", opt.Addr, err)
}

// refusal explains what a Redis says when it refuses a command.
func refusal(text string) string {
	lacksRights := "does not allow this user what a cache does; it needs to read and write, and scripts (EVAL, EVALSHA, SCRIPT LOAD): " + text
	for _, r := range []struct{ word, means string }{
		{"NOAUTH", "wants a password: redis://user:password@host:6379"},
		{"WRONGPASS", "does not accept this user with this password"},
		{"without any password configured", "has no password, and was given one: leave it out"},
		{"NOPERM", lacksRights},
		{"ACL failure", lacksRights},                    // of a script
		{"executing the script can't run", lacksRights}, // the same, of Redis 7.0
		{"unknown command", "lacks a command that a cache needs: " + text},
		{"READONLY", "is a replica that may only be read: name its master"},
		{"OOM", "has no memory left (maxmemory)"},
		{"MISCONF", "refuses writes, as it cannot save to its disk"},
		{"LOADING", "is still reading its data: try again in a moment"},
		{"NOREPLICAS", "refuses writes, as it has too few replicas"},
		{"MOVED", "is a node of a cluster, which this program does not ask: name a Redis that is alone"},
		{"CLUSTERDOWN", "is a node of a cluster that is down"},
	} {
		if strings.Contains(text, r.word) {
			return r.means
		}
	}
	return ""
}

// isRedis reports whether err is the answer of a Redis.
func isRedis(err error) bool {
	var answer redis.Error
	var ours *cache.Error
	return errors.As(err, &answer) || errors.As(err, &ours)
}
