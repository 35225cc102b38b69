//go:build !unix

package storetest

import "errors"

func startPostgres() (address string, stop func(), err error) {
	return "", nil, errors.New("PostgreSQL is not started on this system")
}
