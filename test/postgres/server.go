package postgres

import "testing"

// Server is a Postgres of one test's own, to be stopped and started in its middle. Its methods fail the test where they fail.
type Server struct {
	tb      testing.TB
	cluster *cluster
}

// Start starts a server, whose address stays the same for its whole life; it goes away with the test. It needs the server
// programs also where $HALLEY_TEST_DATABASE_URL is set: a server that others use is not to be stopped.
func Start(tb testing.TB) *Server {
	tb.Helper()
	c, err := newCluster()
	if err != nil {
		tb.Fatalf("postgres: %v", err)
	}
	tb.Cleanup(func() {
		if err := c.close(); err != nil {
			tb.Errorf("postgres: %v", err)
		}
	})
	return &Server{tb: tb, cluster: c}
}

// URL returns the URL of a fresh, empty database on the running server.
func (s *Server) URL() string {
	s.tb.Helper()
	database, _, err := create(s.cluster.url())
	if err != nil {
		s.tb.Fatalf("postgres: %v", err)
	}
	return database
}

// Stop ends the server: its connections break and new ones are refused. It returns when the server is gone.
func (s *Server) Stop() {
	s.tb.Helper()
	if err := s.cluster.stop(); err != nil {
		s.tb.Fatalf("postgres: %v", err)
	}
}

// Restart starts the server again after Stop, with all its databases. It returns when the server takes connections.
func (s *Server) Restart() {
	s.tb.Helper()
	if err := s.cluster.start(); err != nil {
		s.tb.Fatalf("postgres: %v", err)
	}
}
