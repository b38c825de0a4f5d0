/** The program and the style of the page that `lunkeeper agent --http` serves, each as one text. */
export function pageCode(): Promise<{ readonly script: string; readonly style: string }>
