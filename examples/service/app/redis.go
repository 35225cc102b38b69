package app

import (
	"errors"
	"net/url"

	"github.com/redis/go-redis/v9"
)

// Redis returns a client for a URL:
//
//	redis://user:password@host:6379/0             one server; rediss:// with TLS
//	redis://host1:6379?addr=host2:6379            a cluster
//	redis://host1:26379?master_name=main&addr=... Sentinels
func Redis(address string) (redis.UniversalClient, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("that is no URL") // err would show the password
	}
	switch query := u.Query(); {
	case query.Has("master_name"):
		o, err := redis.ParseFailoverURL(address)
		if err != nil {
			return nil, err
		}
		o.DialerRetries = 1
		return redis.NewFailoverClient(o), nil
	case query.Has("addr"):
		o, err := redis.ParseClusterURL(address)
		if err != nil {
			return nil, err
		}
		o.DialerRetries = 1
		o.ContextTimeoutEnabled = true // otherwise each command of a cluster takes a goroutine
		return redis.NewClusterClient(o), nil
	}
	o, err := redis.ParseURL(address)
	if err != nil {
		return nil, err
	}
	return Client(o), nil
}

// Client returns a client for one server.
func Client(o *redis.Options) *redis.Client {
	o.DialerRetries = 1 // do not repeat a refused dial: the caches work without Redis
	return redis.NewClient(o)
}
