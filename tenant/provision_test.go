package tenant_test

import (
	"slices"
	"testing"

	"halley/tenant"
)

// testProvisionChangesWhatIsGiven holds what the help of create-app says of accounts and apps that exist.
func testProvisionChangesWhatIsGiven(t *testing.T, s *tenant.Store) {
	ctx := t.Context()
	first := tenant.Provision{
		Account: "Comet", App: "Chat", Email: "ada@example.com", Origins: []string{"https://a.example", "https://b.example"},
		Limits: tenant.Overrides{tenant.LimitBatch: 7, tenant.LimitConnections: 8},
	}
	made, err := s.Provision(ctx, first, tenant.Client{})
	must(t, err)
	viewer, _ := signUp(t, s, "viewer@example.com")
	scope := s.OperatorScope(made.AccountID, tenant.Client{})
	must(t, s.AddMember(ctx, scope, viewer.ID, tenant.RoleViewer))

	for _, again := range []tenant.Provision{
		{Account: "Comet", App: "Chat", Email: "bob@example.com", Limits: tenant.Overrides{tenant.LimitBatch: 9}},
		{Account: "Comet", App: "Chat", Email: "viewer@example.com", Origins: []string{"https://c.example"}},
	} {
		got, err := s.Provision(ctx, again, tenant.Client{})
		if err != nil || got.AccountID != made.AccountID || got.AppID != made.AppID {
			t.Fatalf("again: %+v, %v", got, err)
		}
		app, err := s.App(ctx, scope, made.AppID)
		want := again.Origins
		if want == nil {
			want = first.Origins
		}
		if err != nil || !slices.Equal(app.Origins, want) {
			t.Errorf("origins %v, %v, want %v", app.Origins, err, want)
		}
		limits, _, err := s.LimitsOf(ctx, scope, made.AppID)
		if err != nil || limits.Batch != 9 || limits.Connections != 8 {
			t.Errorf("limits %+v, %v", limits, err)
		}
	}
	roles := make(map[string]tenant.Role)
	members, err := s.Members(ctx, scope)
	must(t, err)
	for _, member := range members {
		roles[member.Email] = member.Role
	}
	if len(roles) != 3 || roles["ada@example.com"] != tenant.RoleOwner || roles["bob@example.com"] != tenant.RoleOwner ||
		roles["viewer@example.com"] != tenant.RoleViewer {
		t.Errorf("the members are %v", roles)
	}
	keys, err := s.Keys(ctx, scope, made.AppID)
	if err != nil || len(keys) != 6 {
		t.Errorf("%d keys, %v, want two more each time", len(keys), err)
	}
}
