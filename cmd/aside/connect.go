package main

import (
	"errors"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
)

// open returns a client for the URL. No error has that, nor a part of it: it may hold a password.
func (a *app) open() (redis.UniversalClient, error) {
	text := a.url
	if text == "" {
		return nil, usageError("no Redis is named: give -url, or set REDIS_URL, " +
			"as in redis://localhost:6379")
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, usageError("the URL of Redis cannot be read: " +
			"write it as in redis://user:password@host:6379/0, with %25, %3A, %2F and %40 for the %, :, / and @ of a password")
	}
	switch u.Scheme {
	case "redis", "rediss", "unix":
	default:
		return nil, usageError("the URL of Redis begins with none of redis://, rediss:// and unix://")
	}
	if u.Scheme != "rediss" && a.files != (pemFiles{}) {
		return nil, usageError("-cacert, -cert and -key are for TLS: the URL has to begin with rediss://")
	}
	id, err := a.files.read()
	if err != nil {
		return nil, err
	}
	query := u.Query()
	var rdb redis.UniversalClient
	switch {
	case query.Has("master_name"):
		rdb, err = openSentinel(text, a.timeout, id)
	case a.cluster || query.Has("addr"):
		rdb, err = openCluster(text, a.timeout, id)
	default:
		rdb, err = openServer(text, a.timeout, id)
	}
	if err != nil {
		return nil, usageError("the URL of Redis has a database, or a setting behind its ?, " +
			"that go-redis does not know: aside -h shows which URLs there are")
	}
	return rdb, nil
}

func openServer(text string, timeout time.Duration, id identity) (redis.UniversalClient, error) {
	o, err := redis.ParseURL(text)
	if err != nil {
		return nil, err
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = timeout, timeout, timeout
	o.DialerRetries, o.ContextTimeoutEnabled = 1, true
	id.complete(o.TLSConfig)
	return redis.NewClient(o), nil
}

func openCluster(text string, timeout time.Duration, id identity) (redis.UniversalClient, error) {
	o, err := redis.ParseClusterURL(text)
	if err != nil {
		return nil, err
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = timeout, timeout, timeout
	o.DialerRetries, o.ContextTimeoutEnabled = 1, true
	// What a replica says may be old.
	o.ReadOnly, o.RouteByLatency, o.RouteRandomly = false, false, false
	id.complete(o.TLSConfig)
	return redis.NewClusterClient(o), nil
}

func openSentinel(text string, timeout time.Duration, id identity) (redis.UniversalClient, error) {
	o, err := redis.ParseFailoverURL(text)
	if err != nil {
		return nil, err
	}
	if o.MasterName == "" {
		return nil, errors.New("master_name is empty")
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = timeout, timeout, timeout
	o.DialerRetries, o.ContextTimeoutEnabled = 1, true
	o.ReplicaOnly, o.RouteByLatency, o.RouteRandomly = false, false, false
	if o.TLSConfig != nil { // that of one Sentinel, and the servers have names of their own
		o.TLSConfig.ServerName = ""
	}
	id.complete(o.TLSConfig)
	return redis.NewFailoverClient(o), nil
}
