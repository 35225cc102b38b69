package tracking

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/auth"
)

// greet makes a new connection speak RESP3 and logs in, as go-redis does, and returns the role
// of the server.
func (c *conn) greet(ctx context.Context, opt *redis.Options) (role string, err error) {
	args := []string{"HELLO", "3"}
	user, password, err := c.credentials(ctx, opt)
	if err != nil {
		return "", err
	}
	if password != "" {
		args = append(args, login(user, password)...)
	}
	if opt.ClientName != "" {
		args = append(args, "SETNAME", opt.ClientName)
	}
	return c.hello(args...)
}

func login(user, password string) []string {
	if user == "" {
		user = "default"
	}
	return []string{"AUTH", user, password}
}

// hello asks a server what it is. It needs no permission, as ROLE does.
func (c *conn) hello(args ...string) (role string, err error) {
	reply, err := c.ask(args...)
	if err != nil {
		return "", cannotTrack(err)
	}
	fields, _ := reply.([]any)
	var protocol any
	for i := 0; i+1 < len(fields); i += 2 {
		switch fields[i] {
		case "proto":
			protocol = fields[i+1]
		case "role":
			role, _ = fields[i+1].(string)
		}
	}
	if protocol != int64(3) { // one that speaks RESP2 accepts CLIENT TRACKING, and tells nothing
		return "", fmt.Errorf("%w: it does not speak RESP3", ErrCannotTrack)
	}
	return role, nil
}

// credentials returns those of a client's connections. Where they change later the connection
// logs in again.
func (c *conn) credentials(
	ctx context.Context, opt *redis.Options,
) (user, password string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("what has the credentials of the client panicked: %v", p)
		}
	}()
	switch {
	case opt.StreamingCredentialsProvider != nil:
		now, cancel, err := opt.StreamingCredentialsProvider.Subscribe((*relogin)(c))
		if err != nil {
			return "", "", err
		}
		c.atEnd = append(c.atEnd, func() { _ = cancel() })
		user, password = now.BasicAuth()
	case opt.CredentialsProviderContext != nil:
		return opt.CredentialsProviderContext(ctx)
	case opt.CredentialsProvider != nil:
		user, password = opt.CredentialsProvider()
	default:
		user, password = opt.Username, opt.Password
	}
	return user, password, nil
}

// A relogin is a connection that hears of further credentials.
type relogin conn

// OnNext has the connection log in again.
func (c *relogin) OnNext(now auth.Credentials) {
	select {
	case <-c.logins:
	default:
	}
	select {
	case c.logins <- login(now.BasicAuth()):
	default:
	}
}

// OnError loses the connection, as go-redis does.
func (c *relogin) OnError(err error) { (*conn)(c).lose(err) }

// track begins to listen to further prefixes.
func (c *conn) track(prefixes []string) error {
	args := []string{"CLIENT", "TRACKING", "ON", "BCAST"}
	for _, p := range prefixes {
		args = append(args, "PREFIX", p)
	}
	_, err := c.ask(args...)
	return cannotTrack(err)
}
