// Package vedettetest runs a real vedette process and speaks to it as a person's browser
// would: it logs in, listens to alerts, reads records and fetches footage. End-to-end
// tests and benchmarks stand on it.
package vedettetest
