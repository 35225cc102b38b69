// Package cachetest makes a working cache for the tests of an application, without a
// Redis server:
//
//	users := cachetest.New(t, cache.Config[int64, User]{Name: "user", TTL: time.Minute})
//
// The cache is a real one, on a default client and an embedded Redis in memory.
// Nothing has to be closed, tests may run in parallel, and in a testing/synctest
// bubble entries expire in virtual time: a minute's TTL is tested in no time.
//
// A Server is the embedded Redis for tests that need more of it: several caches
// on one Redis, like several processes, or a Redis that fails.
//
//	srv := cachetest.NewServer(t)
//	users := cachetest.NewOn(t, srv, cfg)
//	srv.Down() // from now on Redis is refused; see also Fail, Hang, Drop and DropAnswer
//
// To see what a codec loses in the value of the very first call as well:
//
//	srv.DecodeLoaded()
//
// A Recorder is an observer that records what a cache did:
//
//	rec := cachetest.Record()
//	cfg.Observer = rec.Observer()
//
// Strict makes a test fail at the first hit on an entry that the source has changed and nobody has
// invalidated:
//
//	cachetest.Strict(t, &cfg)
//
// Schema fails when what a codec stores has changed since a file was written, and says what
// becomes of the entries while processes of both versions run:
//
//	cachetest.Schema(t, codec.Msgpack[User](), "testdata/user.schema")
package cachetest
