// The password is remembered, and the calendar that comes with the program is switched on.
const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
login.init("imap://127.0.0.1", null, "imap://127.0.0.1", args[0], args[1], "", "");
await Services.logins.addLoginAsync(login);
const home = await until(() => cal.manager.getCalendars()[0], 20);
home.setProperty("disabled", false);
home.setProperty("imip.identity.key", "id1");
return home.name;
