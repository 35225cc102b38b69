package main

import "slices"

// mutants are faults that the tests once let pass, and others that would do harm. A text is
// short and on a line that says one thing, so that it lasts.
var mutants = slices.Concat(
	protocolMutants, staleMutants, nearMutants, auditMutants, hotMutants, observerMutants, redisMutants,
	codecMutants,
)
