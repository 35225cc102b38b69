// Package client sends commands to Redis as go-redis does not by itself: within a timeout that
// holds with every client, in pipelines that many callers share, with scripts that servers
// know or learn, and on the connections that the master of the moment is at.
//
// A store describes an operation as a [Step], or as a [Call] of a script; what is sent
// together, and how, is decided here. The executor belongs to the redis.UniversalClient: all
// stores on one share what is in flight, the pipelines, and what is known of the servers.
package client
