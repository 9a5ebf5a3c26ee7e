// Presses a button of the bar, and waits until the program says that the message was dealt with.
const before = bar();
tabmail.currentAboutMessage.document.getElementById(args[0]).click();
await until(() => bar() !== before, 20);
await pause(500);
return { bar: bar(), events: await events() };
