package tenant

// Role is what a member may do in an account.
type Role string

// The roles, and the operator of the installation, who is a member of no account.
const (
	RoleOwner     Role = "owner"
	RoleAdmin     Role = "admin"
	RoleDeveloper Role = "developer"
	RoleViewer    Role = "viewer"
	RoleOperator  Role = "operator"
)

// Permission is a row of the table of roles.
type Permission uint8

// The permissions.
const (
	View    Permission = iota + 1 // statistics, usage, errors, docs
	Debug                         // the debug console, channels, publishing a test message
	Manage                        // keys, rules, limits, settings of apps: a developer only where the app is not in production
	Members                       // members and the audit log: an admin not of owners
	Own                           // delete the account, transfer it
)

// May reports whether a role has a permission, for an app of that label; label is empty where no app is concerned.
func (r Role) May(permission Permission, label Label) bool {
	switch r {
	case RoleOperator, RoleOwner:
		return true
	case RoleAdmin:
		return permission != Own
	case RoleDeveloper:
		return permission == View || permission == Debug || permission == Manage && (label == Development || label == Staging)
	case RoleViewer:
		return permission == View
	default:
		return false
	}
}

// above reports whether a role may give and take another: nobody makes a member mightier than themselves.
func (r Role) above(other Role) bool {
	return r == RoleOperator || r == RoleOwner || r == RoleAdmin && other != RoleOwner
}
