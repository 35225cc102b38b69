// Package faultnet is a network with faults, for this module's own tests: connections between a
// client of go-redis and its server that are slow, cut, held back or refused.
//
//	n := new(faultnet.Network)
//	rdb := env.NewClient(t, n.Through)
//	n.LoseAnswers("evalsha", 1) // carried out, and never answered
//
// A [Network] has all connections of its clients and changes them while they are in use. For
// faults that last from the first moment on there are dialers: [Refused], [Hanging] and [Silent].
//
// All of it works in a testing/synctest bubble, over connections in memory. The faults of
// package cachetest are others: they are those of whole calls, chosen by an application's test.
package faultnet
