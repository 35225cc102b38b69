// Package servertest holds the tests of package cache that take their time on real
// servers: the suite of behaviour, which runs with every kind of codec on miniredis and
// on every server alone and as a cluster, failovers, replicas, and values of all sizes.
// It holds tests alone, apart from those of package cache so that both end in time.
package servertest
